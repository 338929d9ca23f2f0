"""What keeps user code from the host: bubblewrap's profile, the seccomp filter, the self-test."""
