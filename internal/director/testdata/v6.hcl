virtual_server "2001:db8::80" "80" {
  lb_algo  = "lc"
  protocol = "TCP"
  real_server "fd00::1" "8080" {
    weight = 2
    PING_CHECK {}
    TCP_CHECK {}
  }
  real_server "fd00::2" "8080" {
    TCP_CHECK {}
  }
}
