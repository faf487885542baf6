"""Texts as the text towers read them: tokenizers, prompts with learnt words, and learnt embeddings as files."""
