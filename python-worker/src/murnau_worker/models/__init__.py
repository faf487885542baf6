"""Parts of models: how their files are read, and how they are held in memory."""
