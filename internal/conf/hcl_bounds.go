package conf

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNesting bounds brackets, blocks and chains of operators: the parser and the evaluation of HCL
// recurse, and Go cannot recover from a stack that overflows.
const maxNesting = 200

// maxHeredoc bounds the lines of a heredoc, in which the parser of HCL takes quadratic time.
const maxHeredoc = 1000

// maxNumber bounds the digits of a number; its exponent has three at most. To write 1e99999999 out
// takes minutes.
const maxNumber = 64

// maxPieces bounds the words and signs of all files: the lexer of HCL makes some 100 bytes
// of each, its parser some 400. A real server with all its words written out is about 60.
const maxPieces = 3_000_000

// tooMuch reports files that are large by the number of their words and signs.
func tooMuch(sources []source) hcl.Diagnostics {
	pieces := 0
	for _, s := range sources {
		line, start, within := 1, 0, false
		for i, c := range s.src {
			word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
			if !word && c != ' ' && c != '\t' || word && !within {
				pieces++
			}
			within = word
			if pieces > maxPieces {
				at := hcl.Pos{Line: line, Column: i - start + 1, Byte: i}
				return hcl.Diagnostics{problem(hcl.DiagError, hcl.Range{Filename: s.path, Start: at, End: at},
					"More than %d words and signs in a configuration; write with dynamic blocks what repeats", maxPieces)}
			}
			if c == '\n' {
				line, start = line+1, i+1
			}
		}
	}
	return nil
}

// outOfBounds reports what the parser of HCL must not see. It looks at the tokens alone, which
// the lexer makes without recursion: at the brackets that are open and, in each of them, at the
// operators of the expression that is not at its end.
func outOfBounds(tokens hclsyntax.Tokens) hcl.Diagnostics {
	type frame struct {
		opener    hclsyntax.TokenType
		operators int
		lines     int
	}
	frames := []frame{{opener: hclsyntax.TokenOBrace}} // the file is a block to itself
	depth := 0
	for _, t := range tokens {
		top := &frames[len(frames)-1]
		switch t.Type {
		case hclsyntax.TokenTemplateControl:
			// An if in a template nests up to its endif, which is no bracket.
			top.operators++
			frames = append(frames, frame{opener: t.Type})
			depth += 2
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			frames = append(frames, frame{opener: t.Type})
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(frames) == 1 {
				continue
			}
			depth -= 1 + top.operators
			frames = frames[:len(frames)-1]
			if t.Type == hclsyntax.TokenCBrack || t.Type == hclsyntax.TokenCParen {
				frames[len(frames)-1].operators++ // a[x][x] and f(x)[x] nest
				depth++
			}
		case hclsyntax.TokenNumberLit:
			if _, exponent, _ := strings.Cut(strings.ToLower(string(t.Bytes)), "e"); len(t.Bytes) > maxNumber || len(exponent) > 4 {
				return hcl.Diagnostics{problem(hcl.DiagError, t.Range, "A number has at most %d digits and a short exponent", maxNumber)}
			}
		case hclsyntax.TokenStringLit:
			if top.lines++; top.lines > maxHeredoc {
				return hcl.Diagnostics{problem(hcl.DiagError, t.Range, "More than %d lines in a heredoc; split it", maxHeredoc)}
			}
		case hclsyntax.TokenComma:
			depth -= top.operators
			top.operators = 0
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			// A line end, which a comment takes with it, ends an expression only in braces.
			if top.opener == hclsyntax.TokenOBrace && bytes.HasSuffix(t.Bytes, []byte("\n")) {
				depth -= top.operators
				top.operators = 0
			}
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan,
			hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd,
			hclsyntax.TokenOr, hclsyntax.TokenQuestion:
			top.operators++
			depth++
		}
		if depth > maxNesting {
			return hcl.Diagnostics{problem(hcl.DiagError, t.Range, "More than %d brackets or operators within one another; write it simpler", maxNesting)}
		}
	}
	return nil
}

// bareLabels finds block labels that begin with a digit and have no quotes, such as the port in
// virtual_server "192.168.2.11" 80 {: what a keepalived user writes by habit.
func bareLabels(src []byte, tokens hclsyntax.Tokens) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i := 0; i < len(tokens); i++ {
		lineStart := i == 0 || tokens[i-1].Type == hclsyntax.TokenNewline || tokens[i-1].Type == hclsyntax.TokenComment ||
			tokens[i-1].Type == hclsyntax.TokenOBrace
		if !lineStart || tokens[i].Type != hclsyntax.TokenIdent {
			continue
		}
		var found []hcl.Range
		k := i + 1
		for k < len(tokens) && headerToken(tokens[k].Type) {
			if tokens[k].Type != hclsyntax.TokenNumberLit || quotedToken(tokens[k-1].Type) {
				k++
				continue
			}
			label := tokens[k].Range
			for k++; k < len(tokens) && headerToken(tokens[k].Type) && tokens[k].Range.Start.Byte == label.End.Byte; k++ {
				label.End = tokens[k].Range.End
			}
			found = append(found, label)
		}
		if k < len(tokens) && tokens[k].Type == hclsyntax.TokenOBrace {
			for _, at := range found {
				text := bytes.TrimSpace(at.SliceBytes(src))
				diags = append(diags, problem(hcl.DiagError, at, `A label is written in quotes; write "%s"`, text))
			}
		}
		i = k - 1
	}
	return diags
}

// headerToken says whether a token can stand in the labels of a block, well or badly written.
func headerToken(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenDot, hclsyntax.TokenColon,
		hclsyntax.TokenOQuote, hclsyntax.TokenQuotedLit, hclsyntax.TokenCQuote, hclsyntax.TokenSlash, hclsyntax.TokenMinus:
		return true
	}
	return false
}

func quotedToken(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenOQuote || t == hclsyntax.TokenQuotedLit
}
