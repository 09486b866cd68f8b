# One file for both directors: it is read with the variable hostname, here lb1 or lb2.
#
#   client 192.168.2.21 ── eth0 [ lb1 192.168.2.1 · lb2 192.168.2.2 ] eth1 ── web servers 10.10.10.11-13
#
# The real servers' default gateway is the V-gate, 10.10.10.9: their answers must come back
# through the director that serves, which puts the VIP's address in again. "lvsd realserver up"
# with this file sets that route on a real server (docs/services.md).

locals {
  servers = ["10.10.10.11", "10.10.10.12", "10.10.10.13"]
}

# VIP and V-gate are in one instance, so that they are never on different nodes. A cut cable on
# either side gives both up.
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  advert_int        = "1s"
  virtual_ipaddress = [
    "192.168.2.11/24",                           # the VIP
    { address = "10.10.10.9/24", dev = "eth1" }, # the V-gate
  ]
}

virtual_server "192.168.2.11" "80" {
  protocol   = "TCP"
  lb_algo    = "rr"
  lb_kind    = "NAT"
  delay_loop = "2s"

  dynamic "real_server" {
    for_each = local.servers
    labels   = [real_server.value, "80"]
    content {
      weight = 1
      PING_CHECK { connect_timeout = "1s" } # layer 3: the machine
      HTTP_GET {                            # layer 5: the web server on it
        url "/" { status_code = 200 }
        connect_timeout = "1s"
      }
    }
  }
}
