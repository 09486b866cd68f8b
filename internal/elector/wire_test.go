package elector

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What gob would drop without a word may not be in a message: fields that are not exported.
func TestMessagesAreWhole(t *testing.T) {
	binary := reflect.TypeFor[encoding.BinaryMarshaler]()
	seen := map[reflect.Type]bool{}
	var look func(at string, typ reflect.Type)
	look = func(at string, typ reflect.Type) {
		if seen[typ] || typ.Implements(binary) {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(at, typ.Elem())
		case reflect.Map:
			look(at, typ.Key())
			look(at, typ.Elem())
		case reflect.Func, reflect.Chan, reflect.UnsafePointer:
			t.Errorf("%s is a %s", at, typ.Kind())
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				if !f.IsExported() {
					t.Errorf("%s.%s of %s is not exported", at, f.Name, typ)
				}
				look(at+"."+f.Name, f.Type)
			}
		}
	}
	for _, m := range append(reports(), order{}, answer{}) {
		look(reflect.TypeOf(m).Name(), reflect.TypeOf(m))
	}
}

// Every type of report of the addresses is known here.
func TestReportsAreAllKnown(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../netif/report.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "report" && f.Recv != nil {
			want = append(want, "netif."+f.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	var got []string
	for _, r := range reports() {
		if name := reflect.TypeOf(r).String(); strings.HasPrefix(name, "netif.") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(want, got) {
		t.Errorf("known are\n%v, there are\n%v", got, want)
	}
}

// A report arrives as it was sent, with the texts of its errors.
func TestReportsArrive(t *testing.T) {
	register()
	for _, r := range reports() {
		v := reflect.New(reflect.TypeOf(r)).Elem()
		withError := false
		for i := range v.NumField() {
			if v.Type().Field(i).Type == reflect.TypeFor[error]() {
				v.Field(i).Set(reflect.ValueOf(errors.New("no such device")))
				withError = true
			}
		}
		var wire bytes.Buffer
		if err := gob.NewEncoder(&wire).Encode(answer{Report: sendable(v.Interface())}); err != nil {
			t.Errorf("%T: %v", r, err)
			continue
		}
		var a answer
		if err := gob.NewDecoder(&wire).Decode(&a); err != nil {
			t.Errorf("%T: %v", r, err)
			continue
		}
		if reflect.TypeOf(a.Report) != reflect.TypeOf(r) {
			t.Errorf("%T arrives as %T", r, a.Report)
			continue
		}
		if got := reflect.ValueOf(a.Report); withError {
			for i := range got.NumField() {
				if got.Type().Field(i).Type == reflect.TypeFor[error]() && got.Field(i).Interface().(error).Error() != "no such device" {
					t.Errorf("%T arrives with the error %v", r, got.Field(i))
				}
			}
		}
	}
}
