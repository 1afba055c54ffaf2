"""The garbage collector: deletes what its owners left behind. A graph, a pure decision, a loop over both."""
