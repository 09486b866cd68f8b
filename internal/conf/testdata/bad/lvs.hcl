# lvs: timeouts and synchronization
global_defs {
  lvs_timeouts    = []
  lvs_sync_daemon = []
}
global_defs {
  lvs_timeouts    = { tcp = 900 }
  lvs_sync_daemon = ["eth1", "id"]
}
