# Direct routing: directors and real servers are on one segment. The director changes only the
# MAC address of a packet; the real server has the VIP too and answers the client directly, so
# answers do not pass the director.
#
#   client ── router ──┬── lb1 192.168.2.1, lb2 192.168.2.2: VIP 192.168.2.11
#                      └── web servers 192.168.2.31-32
#
# On each real server, once at boot: the VIP on lo, and no ARP for it, so that the segment
# sends the VIP's packets to the director alone. "lvsd realserver up" with this file does it
# (docs/services.md), or by hand:
#
#   sysctl -w net.ipv4.conf.all.arp_ignore=1     # answer ARP only for the interface's own addresses
#   sysctl -w net.ipv4.conf.all.arp_announce=2   # ask by ARP from the interface's own address
#   ip address add 192.168.2.11/32 dev lo
#
# The web server listens on port 80 of the VIP: DR cannot change the port. Its default gateway
# is the router, not a director.
#
# On the directors lvsd sets ip_forward, and turns send_redirects off on the interfaces below.

vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress = ["192.168.2.11/24"]
}

virtual_server "192.168.2.11" "80" {
  lb_algo = "wlc"
  lb_kind = "DR"

  # Checks go to the server's own address: its web server must listen there as well as on the VIP.
  real_server "192.168.2.31" "80" {
    HTTP_GET {
      url "/" { status_code = 200 }
    }
  }
  real_server "192.168.2.32" "80" {
    HTTP_GET {
      url "/" { status_code = 200 }
    }
  }
}
