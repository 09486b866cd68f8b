# Main pair of the web shop
## changed by hand only

# second group of remarks
global_defs {       # who we are
  router_id = "lb1" # the name
  # every instance
  vrrp_version = 3
  # last of global_defs
} # end of global_defs

# outside
vrrp_instance "web" { # the only one
  # how
  interface         = "eth0" # uplink
  virtual_router_id = 51

  # who
  priority            = 150
  advert_int          = "500ms"
  garp_master_refresh = "0s"
  virtual_ipaddress = [ # both move
    # the VIP
    "192.168.2.11/24",                                                # for clients
    { address = "10.10.10.9/24", dev = "eth1", label = "eth1:gate" }, # the V-gate
    # no more
  ] # addresses
  # spare
  track_interface "eth2" {} # cable
  track_interface "eth3" {}
  # nothing else
  # last of web
}

# directly below

# service
# between name and brace
virtual_server "192.168.2.11" "80" {
  protocol           = "TCP"
  lb_algo            = "rr" # in turn
  delay_loop         = "60s"
  connect_timeout    = "5s"
  delay_before_retry = "3s"

  # web1
  real_server "10.10.10.11" "80" { # old machine
    HTTP_GET {
      http_protocol = "1.0"

      # two pages
      url "/a" {
        # first
        status_code = [200, "301-302"] # or moved
      }

      url "/b" {
        # second
      }
    }
  } # web1

  real_server "10.10.10.12" "80" { # no port
    # nothing checked
  }
} # shop

# the end
# really
