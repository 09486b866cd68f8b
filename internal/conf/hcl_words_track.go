package conf

func hclScript() *hclBlock {
	return &hclBlock{
		labels:  []string{"name"},
		values:  []string{"interval", "timeout", "rise", "fall", "init_fail"},
		args:    []string{"weight", "user"},
		scripts: []string{"script"},
	}
}

func hclTrackFile() *hclBlock {
	return &hclBlock{labels: []string{"name"}, values: []string{"file"}, args: []string{"weight", "init_file"}}
}

func hclTrackProcess() *hclBlock {
	return &hclBlock{
		labels:  []string{"name"},
		values:  []string{"quorum", "quorum_max", "fork_delay", "terminate_delay", "delay", "full_command"},
		args:    []string{"weight", "param_match"},
		scripts: []string{"process"},
	}
}

func hclTrackPing() *hclBlock {
	return &hclBlock{labels: []string{"name"}, values: []string{"address", "interval", "timeout", "rise", "fall"}, args: []string{"weight"}}
}

func hclTrackService() *hclBlock {
	return &hclBlock{labels: []string{"name"}, values: []string{"protocol"}, args: []string{"virtual_server", "weight"}}
}

// hclTracks are the blocks of what an instance or a group tracks.
func hclTracks() []hclChild {
	return []hclChild{
		{"track_interface", hclTracked("interface")}, {"track_script", hclTracked("script")}, {"track_file", hclTracked("file")},
		{"track_process", hclTracked("process")}, {"track_ping", hclTracked("ping")}, {"track_service", hclTracked("service")},
	}
}

// hclTracked is a line of track_interface, or of a block like it.
func hclTracked(label string) *hclBlock {
	return &hclBlock{labels: []string{label}, line: true, values: []string{"weight"}, flags: []string{"reverse", "noreverse"}}
}
