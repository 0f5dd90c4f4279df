"""Jobs for other agents, by the Agent2Agent protocol (A2A): a task is a job, under the same id, and nothing is kept here.

Needs the extra `a2a`, and is imported only where A2A_PORT is set. It reads and writes through the port `Jobs` alone.
"""
