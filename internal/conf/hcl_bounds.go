package conf

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNesting bounds brackets, blocks and chains of operators: the parser and the evaluation of HCL
// recurse, and Go cannot recover from a stack that overflows.
const maxNesting = 200

// hclTooDeep finds where a file nests too deep. It looks at the tokens alone, which the lexer
// makes without recursion.
func hclTooDeep(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	brackets := 0
	operators := []int{0} // in the expression of each open bracket
	for _, t := range tokens {
		top := len(operators) - 1
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			brackets++
			operators = append(operators, 0)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if top > 0 {
				brackets--
				operators = operators[:top]
			}
		case hclsyntax.TokenComma:
			operators[top] = 0
		case hclsyntax.TokenNewline:
			// Within parentheses and square brackets an expression goes on behind a line end, and
			// the lexer cannot tell: only the file and a block count anew.
			if brackets == 0 {
				operators[top] = 0
			}
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
			hclsyntax.TokenPercent, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan,
			hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd,
			hclsyntax.TokenOr, hclsyntax.TokenQuestion:
			operators[top]++
		}
		if brackets > maxNesting || operators[len(operators)-1] > maxNesting {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
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
