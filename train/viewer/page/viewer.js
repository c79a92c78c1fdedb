"use strict";

const find = (id) => document.getElementById(id);
const canvas = find("picture");
const pen = canvas.getContext("2d");
const GAME_KEYS = new Set(["KeyW", "KeyA", "KeyS", "KeyD", "KeyQ", "KeyE", "KeyF", "Space", "ShiftLeft", "ShiftRight",
  "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight",
  ...Array.from({ length: 9 }, (_, number) => `Digit${number + 1}`)]);
const DRAG_PIXELS = 4;

let state = null;
let shown = 0;

// --- talking to the viewer ---

async function ask(name, values = {}) {
  try {
    const reply = await fetch(`do/${name}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values),
    });
    const { answer, error } = await reply.json();
    find("message").textContent = error || "";
    return answer;
  } catch {
    find("message").textContent = "The viewer does not answer; is the program still running?";
    return undefined;
  }
}

async function receive() {
  for (;;) {
    try {
      const reply = await fetch(`frame?after=${shown}`);
      if (reply.status === 204) continue;
      if (!reply.ok) {
        await rest(await reply.text());
        continue;
      }
      const next = JSON.parse(reply.headers.get("X-State"));
      const picture = await createImageBitmap(await reply.blob());
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      pen.drawImage(picture, 0, 0);
      picture.close();
      shown = next.frame;
      tell(next);
    } catch {
      await rest("The viewer does not answer; is the program still running?");
    }
  }
}

async function rest(message) {
  find("message").textContent = message;
  await new Promise((wake) => setTimeout(wake, 1000));
  shown = 0;
}

// --- showing the state ---

function fill(select, names, chosen) {
  const key = JSON.stringify(names);
  if (select.dataset.names !== key) {
    select.dataset.names = key;
    select.replaceChildren(...names.map(([value, text]) => new Option(text, value)));
  }
  if (document.activeElement !== select) select.value = String(chosen);
}

function tell(next) {
  const first = state === null;
  const world = first || next.scenario !== state.scenario || next.agents.length !== state.agents.length;
  state = next;
  document.body.classList.toggle("recorded", !state.live);
  document.body.dataset.frame = state.frame;
  if (state.message) find("message").textContent = state.message;
  find("pause").textContent = state.paused ? "Go on" : "Pause";
  find("where").textContent = `episode ${state.episode}, step ${state.step} of ${state.steps}${state.over ? ", over" : ""}`;
  find("score-hiders").textContent = state.scores[0].toFixed(0);
  find("score-seekers").textContent = state.scores[1].toFixed(0);
  find("lock").textContent = state.lock ? "(locking)" : "";
  if (document.activeElement !== find("time")) {
    find("time").max = state.steps;
    find("time").value = state.step;
  }
  const agents = state.agents.map((agent, i) => [agent.present ? String(i) : "", agent.name]).filter(([i]) => i);
  fill(find("agent"), [["", "nobody"], ...agents], state.look.agent ?? "");
  fill(find("play"), [["", "nobody"], ...agents], state.played ?? "");
  find("camera").value = state.look.camera;
  for (const box of find("toggles").querySelectorAll("input")) box.checked = state.look[box.name];
  state.teams.forEach((name, team) => {
    if (document.activeElement !== find(`player-${team}`)) find(`player-${team}`).value = name;
  });
  if (document.activeElement !== find("seed")) find("seed").value = state.seed;
  showMind(state.mind);
  if (world) describe();
}

function element(name, text, classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = classes;
  return made;
}

function showMind(mind) {
  if (!mind) {
    find("mind").replaceChildren(element("p", "Click an agent to see what it sees.", "hint"));
    return;
  }
  const parts = [element("p", `sees ${mind.sees.join(", ") || "nothing"}`, "hint")];
  if (mind.holds) parts.push(element("p", `holds ${mind.holds}`, "hint"));
  for (const [name, weight] of mind.attends) {
    const row = element("div", "", "share");
    const track = element("span", "");
    const bar = element("i", "");
    bar.style.width = `${Math.max(1, 100 * weight)}%`;
    track.append(bar);
    row.append(element("span", name), track, element("span", `${Math.round(100 * weight)} %`));
    parts.push(row);
  }
  find("mind").replaceChildren(...parts);
}

async function describe() {
  const choices = await ask("describe");
  if (!choices) return;
  const same = (names) => names.map((name) => [name, name]);
  fill(find("camera"), same(choices.cameras), state.look.camera);
  fill(find("scenario"), same(choices.scenarios), state.scenario);
  fill(find("player-0"), same(choices.players), state.teams[0]);
  fill(find("player-1"), same(choices.players), state.teams[1]);
  find("toggles").replaceChildren(...choices.toggles.map((name) => {
    const label = element("label", "");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", name, checked: state.look[name] });
    box.addEventListener("change", () => ask("look", { [name]: box.checked }));
    label.append(box, ` ${name}`);
    return label;
  }));
  find("options").replaceChildren(...Object.entries(choices.options).map(([name, value]) => {
    const label = element("label", name.replaceAll("_", " "));
    const field = document.createElement("input");
    field.name = name;
    field.value = JSON.stringify(value);
    field.size = 7;
    field.dataset.before = field.value;
    label.append(field);
    return label;
  }));
}

// --- buttons and fields ---

const togglePause = () => ask("pause", { on: !state.paused });
find("pause").addEventListener("click", togglePause);
find("step").addEventListener("click", () => ask("step"));
find("back").addEventListener("click", () => ask("step", { back: true }));
find("again").addEventListener("click", () => ask("reset"));
find("next").addEventListener("click", () => ask("reset", { again: false }));
find("time").addEventListener("input", (event) => ask("go", { step: Number(event.target.value) }));
find("speed").addEventListener("input", (event) => {
  const speed = 2 ** Number(event.target.value);
  find("speed-shown").textContent = `${Number(speed.toPrecision(2))}x`;
  ask("speed", { speed });
});
const release = (event) => { event.target.blur(); canvas.focus(); };
for (const team of [0, 1]) {
  find(`player-${team}`).addEventListener("change", (event) => {
    ask("player", { team, name: event.target.value });
    release(event);
  });
}
const number = (text) => (text === "" ? null : Number(text));
find("agent").addEventListener("change", (event) => {
  const agent = number(event.target.value);
  ask("look", { agent, sees: agent !== null });
  release(event);
});
find("play").addEventListener("change", (event) => { ask("play", { agent: number(event.target.value) }); release(event); });
find("camera").addEventListener("change", (event) => { ask("look", { camera: event.target.value }); release(event); });
find("scenario").addEventListener("change", (event) => { ask("scenario", { name: event.target.value }); release(event); });
find("seed").addEventListener("change", (event) => { ask("seed", { seed: Number(event.target.value) }); release(event); });
find("apply").addEventListener("click", async () => {
  const options = {};
  try {
    for (const field of find("options").querySelectorAll("input")) {
      if (field.value !== field.dataset.before) options[field.name] = JSON.parse(field.value);
    }
  } catch {
    find("message").textContent = "Options are numbers, such as 2 or [3, 5].";
    return;
  }
  await ask("scenario", options);
  if (!find("message").textContent) describe();
});

// --- mouse ---

let press = null;

function place(event) {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

canvas.addEventListener("pointerdown", async (event) => {
  canvas.focus();
  canvas.setPointerCapture(event.pointerId);
  press = { event, moved: false, taken: state.live ? ask("take", place(event)) : Promise.resolve(-1), busy: false };
});

canvas.addEventListener("pointermove", async (event) => {
  if (!press) return;
  const far = Math.hypot(event.clientX - press.event.clientX, event.clientY - press.event.clientY) > DRAG_PIXELS;
  press.moved ||= far;
  if (!press.moved || press.busy || (await press.taken) < 0 || !press) return;
  canvas.classList.add("dragging");
  press.busy = true;
  await ask("drag", place(event));
  if (press) press.busy = false;
});

canvas.addEventListener("pointerup", async (event) => {
  const last = press;
  press = null;
  canvas.classList.remove("dragging");
  if (!last) return;
  if (last.moved && (await last.taken) >= 0) await ask("drag", place(event));
  if (state.live) await ask("drop");
  if (!last.moved) ask("click", place(event));
});

// --- keys ---

const held = new Set();

function send() {
  if (state && state.played !== null) ask("keys", { keys: [...held] });
}

function typing(event) {
  return ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName) && event.target.type !== "checkbox";
}

window.addEventListener("keydown", (event) => {
  if (!state || typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (state.played !== null && GAME_KEYS.has(event.code)) {
    event.preventDefault();
    if (!held.has(event.code)) {
      held.add(event.code);
      send();
    }
  } else if (event.code === "KeyP" || event.code === "Space") {
    event.preventDefault();
    togglePause();
  } else if (event.code === "KeyN") {
    ask("step");
  } else if (event.code === "KeyR") {
    ask("reset");
  } else if (event.code === "Escape") {
    ask("play", { agent: null });
  }
});

window.addEventListener("keyup", (event) => {
  if (held.delete(event.code)) send();
});

window.addEventListener("blur", () => {
  if (held.size) {
    held.clear();
    send();
  }
});

receive();
