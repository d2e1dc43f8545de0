"""The pipe without a JVM: the runner, on the same servers and with the same expectations."""
