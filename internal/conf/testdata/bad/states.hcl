vrrp_instance "a" {
  interface = "eth0"
  virtual_router_id = 1
  virtual_ipaddress = ["10.0.0.1"]
  notify_master = []
  notify_backup = { command = "/bin/x", group = "nogroup" }
  notify_fault = { program = "/bin/x" }
  notify_stop = "/bin/x 'a"
  notify_deleted = [null]
  notify = { command = "/bin/x a", user = "no body" }
}
