# The same as network.conf, in HCL.
locals {
  servers = { one = "10.10.10.11", two = "10.10.10.12" }
  net     = "192.168.2"
  web     = "${local.net}.11"
}

global_defs {
  router_id               = "director"
  vrrp_version            = 3
  vrrp_garp_master_delay  = 10
  vrrp_garp_master_repeat = "3"

  vrrp_garp_master_refresh        = "1m"
  vrrp_garp_master_refresh_repeat = 2
  vrrp_garp_lower_prio_repeat     = 4
  vrrp_garp_lower_prio_delay      = 1
  vrrp_garp_interval              = "1ms"
  vrrp_gna_interval               = 0.002
  vrrp_min_garp                   = false
  vrrp_down_timer_adverts         = 4
  vrrp_lower_prio_no_advert       = true
  vrrp_higher_prio_send_advert    = false
  vrrp_owner_ignore_adverts       = true
  vrrp_strict                     = false
  vrrp_startup_delay              = "2500ms"
  vrrp_delay_after_boot           = 30
}

garp_group {
  garp_interval = 0.1
  gna_interval  = "200ms"
  interfaces    = ["eth0", "eth1"]
}
garp_group { interface = "eth2" }

interface_up_down_delays = ["eth0 200ms 1", "eth3 3s"]

vrrp_sync_group "both" {
  group = ["outside", "inside"]
}

vrrp_instance "outside" {
  state             = "MASTER"
  interface         = "eth0"
  virtual_router_id = 51
  priority          = hostname == "lb1" ? 150 : 100
  advert_int        = "500ms"
  preempt           = true
  virtual_ipaddress = [
    { address = "${local.web}/24", dev = "eth2", label = "eth2:web", scope = "link" },
    "${local.net}.12",
  ]
  dynamic "track_interface" {
    for_each = ["eth1", "eth3"]
    labels   = [track_interface.value]
    content {}
  }
  garp_master_delay  = 0
  garp_master_repeat = 1

  garp_master_refresh        = 0
  garp_master_refresh_repeat = 1
  garp_lower_prio_delay      = 3
  garp_lower_prio_repeat     = 0
  down_timer_adverts         = 2
  owner_ignore_adverts       = false
  dont_track_primary         = true
}

vrrp_instance inside {
  interface         = "eth1"
  virtual_router_id = 52
  version           = 2
  advert_int        = 2
  nopreempt         = true
  virtual_ipaddress = [{ address = "10.10.10.9/24", scope = 200, label = null }]
}

vrrp_instance "witness" {
  interface               = "eth0"
  virtual_router_id       = 53
  preempt_delay           = "5m"
  lower_prio_no_advert    = false
  higher_prio_send_advert = true
  no_virtual_ipaddress    = true
}

vrrp_instance "strict" {
  strict_mode       = true
  interface         = "eth0"
  virtual_router_id = 54
  virtual_ipaddress = ["192.168.2.13"]
}

virtual_server "192.168.2.11" "80" {
  lvs_sched           = "wrr"
  lvs_method          = "NAT"
  persistence_timeout = "6m"
  delay_loop          = 6
  retry               = 2
  delay_before_retry  = "2s"
  connect_timeout     = 3
  inhibit_on_failure  = true
  weight              = 4
  real_server "10.10.10.11" "8000" {
    weight             = 2
    inhibit_on_failure = false
    TCP_CHECK {}
    HTTP_GET {
      url "/a" { status_code = [200, "301-302"] }
      url "/b" {}
      connect_timeout = 1.5
      nb_get_retry    = 0
      http_protocol   = "1.0"
    }
  }
  real_server "10.10.10.12" "80" {
    delay_loop         = 7
    retry              = 5
    delay_before_retry = 6
    connect_timeout    = 5
    ICMP_CHECK { delay_loop = 5.5 }
    SSL_GET {
      url "/" {}
      delay_before_retry = 0
      http_protocol      = "1.0"
      enable_sni         = false
    }
  }
}

virtual_server fwmark "7" {
  lb_algo             = "sh"
  lb_kind             = "DR"
  persistence_timeout = "${30 * 60}"
  dynamic "real_server" {
    for_each = { for name, address in local.servers : name => address if name == "one" }
    iterator = server
    labels   = [server.value, "0"]
    content {
      PING_CHECK {
        delay_loop         = 1
        delay_before_retry = 1
        retry              = 1
        connect_timeout    = 1
      }
    }
  }
}

virtual_server "2001:db8::1" "53" {
  lb_kind  = "TUN"
  protocol = "UDP"
  real_server "10.10.10.11" "53" { weight = 0 }
}
