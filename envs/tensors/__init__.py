"""Operations on tensors that every part of a world uses; no rules, no physics."""
