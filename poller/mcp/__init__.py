"""Tools and resources for coding agents, by the Model Context Protocol: JobService's words, whoever speaks them.

Needs the extra `mcp`. `eventstorming mcp` serves them on stdin and stdout, the poller on its port inside the cluster where MCP_HTTP is set.
"""
