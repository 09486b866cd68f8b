# Tunnelling: the director sends each packet through an IP-IP tunnel to a real server in any
# network. The real server has the VIP too and answers the client directly.
#
#   client ── router ──┬── lb1 192.168.2.1, lb2 192.168.2.2: VIP 192.168.2.11
#                      ├── (network) ── web server 10.20.0.31
#                      └── (network) ── web server 10.30.0.32
#
# On each real server, once at boot: a tunnel device with the VIP. "lvsd realserver up" with
# this file makes one (docs/services.md), or by hand:
#
#   modprobe ipip                                # makes the device tunl0
#   ip address add 192.168.2.11/32 dev tunl0
#   ip link set tunl0 up
#   sysctl -w net.ipv4.conf.tunl0.rp_filter=2    # clients' packets come in here, answers leave elsewhere
#   sysctl -w net.ipv4.conf.all.arp_ignore=1     # needed only in the VIP's own segment, as with DR
#   sysctl -w net.ipv4.conf.all.arp_announce=2
#
# The kernel takes the larger of conf.all.rp_filter and conf.tunl0.rp_filter: 2 (loose) wins over
# 1 (strict), which would drop every packet of the tunnel.
#
# The web server listens on port 80 of the VIP: TUN cannot change the port. Routers near the real
# server must let packets with the VIP as their source out, and IP protocol 4 in. A tunnelled
# packet is 20 bytes longer: no firewall may drop ICMP "fragmentation needed".
#
# On the directors lvsd sets ip_forward, and turns send_redirects off on the interfaces below.

vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  priority          = lookup({ lb1 = 150, lb2 = 100 }, hostname, 50)
  virtual_ipaddress = ["192.168.2.11/24"]
}

virtual_server "192.168.2.11" "80" {
  lb_algo = "wrr"
  lb_kind = "TUN"

  # Checks go to the server's own address, outside of the tunnel.
  real_server "10.20.0.31" "80" {
    weight = 2 # the larger machine
    HTTP_GET {
      url "/" { status_code = 200 }
    }
  }
  real_server "10.30.0.32" "80" {
    HTTP_GET {
      url "/" { status_code = 200 }
    }
  }
}
