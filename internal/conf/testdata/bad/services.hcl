# services: quorums, sorry servers, thresholds and methods
virtual_server "10.0.0.1" "80" {
  quorum                  = 5
  hysteresis              = 9
  sorry_server            = "10.0.0.9 8080"
  sorry_server_lvs_method = "DR"
  real_server "10.0.0.2" "80" {
    uthreshold = 3
    lthreshold = 4
  }
  real_server "10.0.0.3" "8080" {
    lvs_method = "TUN"
  }
}
virtual_server "10.0.0.1" "81" {
  quorum               = 0
  sorry_server_inhibit = true
  sorry_server         = ["web1", 80]
  real_server "10.0.0.2" "81" {
    uthreshold = "many"
    lvs_method = "LOCAL"
    alpha      = "maybe"
  }
}
virtual_server "10.0.0.1" "82" {
  sorry_server_inhibit = true
  real_server "10.0.0.2" "82" {}
}
virtual_server "10.0.0.1" "83" {
  ops                     = true
  lb_algo                 = "rr"
  sh-port                 = true
  mh-fallback             = "maybe"
  lb_kind                 = ["TUN", "type", "gue"]
  ip_family               = "inet6"
  persistence_engine      = "sip"
  persistence_granularity = 33
  real_server "10.0.0.2" "83" {
    lvs_method = "TUN type ipip port 6080"
  }
  real_server "10.0.0.3" "83" {
    lvs_method = "TUN tpye gre"
  }
  real_server "10.0.0.4" "83" {
    lvs_method = "TUN type"
  }
  real_server "10.0.0.5" "83" {
    lvs_method = []
  }
  sorry_server = []
}
virtual_server "10.0.0.1" "84" {
  sorry_server = "10.0.0.9 84 1"
  real_server "10.0.0.2" "84" {}
}
virtual_server "2001:db8::1" "80" {
  sorry_server = "fe80::3 80"
  real_server "fe80::2" "80" {}
}
virtual_server "10.0.0.1" "85" {
  real_server "255.255.255.255" "85" {}
}
SSL {
  password = ["s3cr3t"]
}
