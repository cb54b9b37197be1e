"""The routes beside ``/predict``, one file for each subject."""
