"""Holds what words mean in a conversation, a file a language; duologue_pipeline.words.lexicon reads them."""
