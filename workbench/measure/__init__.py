"""Measurements that say how the queue behaves when it is long, silent or idle; run by hand, not by CI."""
