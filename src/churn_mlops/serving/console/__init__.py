"""The console: pages in the browser, for support agents, the retention team and the owners of the model."""
