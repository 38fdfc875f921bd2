"""What is read and kept of jobs beside their life: lists, gallery, presets, accounts, privacy."""
