"""Plates and scenes that never were: drawn from descriptions, then spoilt as cameras and weather do."""
