"""What runs inside the sandbox: one process that hosts one session's interactive shell.

It is started by path (see __main__) under an interpreter that may have nothing of ours, so it
uses the standard library, IPython and matplotlib-inline alone and imports only its own siblings.

    worker    becomes one session, and that is all
    zygote    loads the libraries, then becomes a session as often as it is asked to, by forking
"""
