"""Memos: texts that become flashcards, and their reviews."""
