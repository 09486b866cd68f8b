package conf

import "github.com/zclconf/go-cty/cty"

// minUniform is the length from which on a tuple or object is better a list or map. Below it the
// common type of its elements is cheap to find.
const minUniform = 64

// uniform prepares a value for the search of a type that it has in common with others. cty compares
// the type of each element of a tuple with each, at all depths. So long tuples of one type become
// lists, long objects of one type maps, and for what is left of the type the search is paid.
func (b *budget) uniform(v cty.Value) cty.Value {
	v = listed(v)
	if n := typeSize(v.Type()); !b.spend(n * n / 4) {
		return cty.DynamicVal
	}
	return v
}

func listed(v cty.Value) cty.Value {
	t := v.Type()
	if !known(v) || !t.IsTupleType() && !t.IsObjectType() || v.LengthInt() == 0 {
		return v
	}
	list, attributes := []cty.Value(nil), map[string]cty.Value(nil)
	if t.IsObjectType() {
		attributes = make(map[string]cty.Value, v.LengthInt())
	}
	var first cty.Type
	same := v.LengthInt() >= minUniform
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		element = listed(element)
		if first == cty.NilType {
			first = element.Type()
		}
		same = same && first != cty.DynamicPseudoType && element.Type().Equals(first)
		if t.IsObjectType() {
			attributes[key.AsString()] = element
		} else {
			list = append(list, element)
		}
	}
	switch {
	case t.IsTupleType() && same:
		return cty.ListVal(list)
	case t.IsTupleType():
		return cty.TupleVal(list)
	case same:
		return cty.MapVal(attributes)
	default:
		return cty.ObjectVal(attributes)
	}
}

// typeSize is the number of types in a type.
func typeSize(t cty.Type) int {
	n := 1
	switch {
	case t.IsCollectionType():
		n += typeSize(t.ElementType())
	case t.IsTupleType():
		for _, element := range t.TupleElementTypes() {
			n += typeSize(element)
		}
	case t.IsObjectType():
		for _, attribute := range t.AttributeTypes() {
			n += typeSize(attribute)
		}
	}
	return n
}
