"""Makes report.html: one page that shows what a release, or one conversation, is like, to look at and to listen to."""
