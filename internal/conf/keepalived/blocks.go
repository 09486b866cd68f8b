package keepalived

// ownBlock parses the block of n, which may begin on a later line.
func (p *parser) ownBlock(k *keyword, n *Node) {
	_, between, ok := p.opening()
	if !ok {
		if k.block == mustBlock {
			n.Broken = true
			p.errorf(n.Range, `%q needs a block; write %s`, n.Keyword.Text, k.usage)
		}
		return
	}
	for _, c := range between {
		if follows(n, c) {
			n.Trail = &c
		} else {
			n.Lead = append(n.Lead, c)
		}
	}
	n.Block = true
	b := p.statements(k, n)
	n.Children, n.Tail = b.children, b.tail
}

// opening moves behind the next "{" if nothing but line ends and comments stand before it.
func (p *parser) opening() (brace token, between []Comment, ok bool) {
	var passed []token
	for {
		t := p.token()
		switch t.kind {
		case newlineToken:
			passed = append(passed, t)
		case commentToken:
			passed = append(passed, t)
			between = append(between, Comment{Text: t.text, Range: t.rng})
		case openToken:
			return t, between, true
		default:
			p.unread(t)
			for k := len(passed) - 1; k >= 0; k-- {
				p.unread(passed[k])
			}
			return token{}, nil, false
		}
	}
}

// skipOwnBlock moves behind the block that follows, if one does.
func (p *parser) skipOwnBlock() {
	if t, _, ok := p.opening(); ok {
		p.skipBlock(t)
	}
}

// skipBlock moves behind the brace that closes the block which t opened.
func (p *parser) skipBlock(t token) {
	for depth := 1; depth > 0; {
		switch p.token().kind {
		case openToken:
			depth++
		case closeToken:
			depth--
		case endToken:
			p.errorf(t.rng, `This block is not closed; write "}" at its end`)
			return
		}
	}
}
