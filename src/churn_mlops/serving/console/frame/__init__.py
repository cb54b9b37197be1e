"""The frame of every page: texts, formats, navigation, forms, files, headers, and refusals as pages."""
