"""The pages of the models: what is live, versions side by side, promotion and rollback."""
