"""The parts of a page, one file each; ``tradewind.engine.report.page`` puts them in order."""
