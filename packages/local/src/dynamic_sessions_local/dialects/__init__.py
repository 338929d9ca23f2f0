"""The server's own codecs: request → what to do, what came of it → response body.

Nothing in here does I/O. `flat` speaks for api-version 2024-10-02-preview and later, `legacy` for
what came before; `requests` and `values` are what the two have in common.
"""
