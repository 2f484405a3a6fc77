"""Executors: the compiled reference simulator and backtrader's Cerebro, held equal by tests."""
