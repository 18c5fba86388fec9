package channel_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

func raws() []channel.Raw {
	return []channel.Raw{
		{},
		{Shape: "rest", Docs: []channel.Doc{{Name: "order", Body: []byte(`{"id":1}`)}}},
		{Shape: "order+items", Docs: []channel.Doc{{Name: "order", Body: []byte("{}")}, {Name: "items", Body: bytes.Repeat([]byte("[1,2] "), 5_000)}}},
		{Shape: "x", Docs: []channel.Doc{{Name: "", Body: []byte{0, 1, 0xff}}, {Name: "none"}}},
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()

	t.Run("what was packed is read again, byte for byte", func(t *testing.T) {
		t.Parallel()
		for _, want := range raws() {
			got, err := channel.Unpack(want.Pack())
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
	})

	t.Run("rows from before are read as well", func(t *testing.T) {
		t.Parallel()
		for _, want := range raws() {
			old, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := channel.Unpack(old)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
	})

	t.Run("what is cut or too long is refused", func(t *testing.T) {
		t.Parallel()
		whole := raws()[2].Pack()
		for _, n := range []int{0, 1, 2, 5, 20, len(whole) / 2, len(whole) - 1} {
			if _, err := channel.Unpack(whole[:n]); !fault.Is(err, fault.Invalid) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		if _, err := channel.Unpack(append(whole, 0)); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

// FuzzUnpack reads anything without a panic, and what it takes it gives again.
func FuzzUnpack(f *testing.F) {
	for _, r := range raws() {
		f.Add(r.Pack())
		old, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(old)
	}
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := channel.Unpack(b)
		if err != nil {
			return
		}
		again, err := channel.Unpack(r.Pack())
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}
