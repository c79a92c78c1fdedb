"""Networks: entity encoder, attention, LSTM, action heads, value function, normalisers. Imports torch only."""
