"""What a run learns from: its pictures, masks, prompts, and the samples of a step."""
