"""One file per command of the CLI; heavy imports happen inside the command, so that `--help` stays instant."""
