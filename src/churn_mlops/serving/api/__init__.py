"""The routes beside ``/predict``, one router a file."""
