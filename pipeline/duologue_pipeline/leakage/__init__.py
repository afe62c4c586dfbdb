"""Measures how well speakers are linked across conversations, from tokens and from audio; nothing but figures leaves it."""
