"""The console: pages for the health workers who issue codes, and for those who look after them.

Plain HTML forms, made on the server: they work on an old telephone, with a screen reader and
without a line of JavaScript, and nothing that a person typed could run as a script.
"""
