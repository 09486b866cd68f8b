# The seed's network with both addresses in one instance; the same file serves both nodes.
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress = [
    "192.168.2.11/24",
    { address = "10.10.10.9/24", dev = "eth1" },
  ]
  track_interface "eth1" {}
}
virtual_server "192.168.2.11" "80" {
  lb_algo    = "rr"
  delay_loop = "2s"
  dynamic "real_server" {
    for_each = ["10.10.10.11", "10.10.10.12", "10.10.10.13"]
    labels   = [real_server.value, "80"]
    content {
      PING_CHECK {}
    }
  }
}
