"""What words mean in a conversation, one data file a language (``en.json``, ...); read by duologue_pipeline.words.lexicon."""
