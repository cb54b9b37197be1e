"""Campaigns: all of them, one of them, and a new one."""
