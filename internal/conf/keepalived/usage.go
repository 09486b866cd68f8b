package keepalived

// Usages are how the words of keepalived.conf are written: by the block that a word stands in and
// the word, both by their first names, its usage as an error prints it, such as
// "delay_loop SECONDS". The block of what stands outside of all blocks is "".
func Usages() map[[2]string]string {
	all := map[[2]string]string{}
	var walk func(k *keyword)
	walk = func(k *keyword) {
		for _, w := range k.words {
			all[[2]string{k.name, w.name}] = w.usage
			walk(w)
		}
	}
	walk(newTable())
	return all
}

// Implemented are the words that lvsd has, each behind the block that it stands in. Options of
// lines are not among them.
func Implemented() [][2]string {
	var all [][2]string
	var walk func(k *keyword)
	walk = func(k *keyword) {
		for _, w := range k.words {
			if w.class == implemented {
				all = append(all, [2]string{k.name, w.name})
				walk(w)
			}
		}
	}
	walk(newTable())
	return all
}
