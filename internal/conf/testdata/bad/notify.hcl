# notify: programs that are told of changes
virtual_server "10.0.0.1" "80" {
  quorum_up   = ""
  quorum_down = { user = "nobody" }
  real_server "10.0.0.2" "80" {
    notify_up   = { command = "/bin/x", group = "nogroup" }
    notify_down = { command = "/bin/x", usr = "nobody" }
  }
  real_server "10.0.0.3" "80" {
    notify_up   = { command = "/bin/x 'a" }
    notify_down = { command = ["/bin/x"] }
  }
}
