package sheet_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/sheet"
)

var columns = []sheet.Column{{Name: "sku", Required: true, Also: []string{"Article"}}, {Name: "unit_cost"}, {Name: "active"}}

func TestRead(t *testing.T) {
	t.Parallel()
	wide := func(s string) string {
		out := []byte{0xFF, 0xFE}
		for _, u := range utf16.Encode([]rune(s)) {
			out = binary.LittleEndian.AppendUint16(out, u)
		}
		return string(out)
	}
	for name, text := range map[string]string{
		"commas":                    "sku,unit cost\nA,5\n\nB,6\n",
		"semicolons and a mark":     "\ufeffSKU;Unit_Cost\r\nA;5\r\n;\r\nB;6\r\n",
		"tabs":                      "Article\tUnitCost\nA\t 5 \n\nB\t6",
		"UTF-16 of a spreadsheet":   wide("sku\tunit cost\nA\t5\n\nB\t6\n"),
		"quotes and other columns":  "colour,\"sku\",unit cost\nred,\"A\",5\n\nblue,B,6\n",
		"a short row":               "sku,unit cost,active\nA,5\n\nB,6,\n",
		"a separator in the quotes": "sku,unit cost,note\nA,5,\"a,b;c\n\"\nB,6,\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sheet.Read(strings.NewReader(text), columns)
			if err != nil {
				t.Fatal(err)
			}
			var got [][3]any
			for _, r := range s.Rows {
				got = append(got, [3]any{r.N, r.Get("sku"), r.Get("unit_cost")})
			}
			if diff := cmp.Diff([][3]any{{2, "A", "5"}, {4, "B", "6"}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":            "",
		"no required column": "price\n5\n",
		"a column twice":     "sku,article\nA,B\n",
		"bytes of another":   "sku\n\xff\xfe\xfd\n",
		"a zero byte":        "sku\nA\x00\n",
		"an open quote":      "sku\n\"A\nB\n",
		"a field too long":   "sku\n" + strings.Repeat("x", sheet.MaxField+1) + "\n",
		"too many columns":   "sku\n" + strings.Repeat("x,", sheet.MaxColumns+1) + "\n",
		"too many rows":      "sku\n" + strings.Repeat("x\n", sheet.MaxRows+1),
		"too many bytes":     "sku\n" + strings.Repeat("x\n\n\n\n\n\n\n", sheet.MaxBytes/8+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := sheet.Read(strings.NewReader(text), columns); !fault.Is(err, fault.Invalid) {
				t.Errorf("want invalid, got %v", err)
			}
		})
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	s, err := sheet.Read(strings.NewReader("sku,unit cost,active\nA,12,yes\nB,,\nC,twelve,perhaps\n"), columns)
	if err != nil {
		t.Fatal(err)
	}
	n, err1 := s.Rows[0].Int("unit_cost", 7)
	yes, err2 := s.Rows[0].Bool("active", false)
	if n != 12 || !yes || err1 != nil || err2 != nil {
		t.Error(n, yes, err1, err2)
	}
	n, err1 = s.Rows[1].Int("unit_cost", 7)
	yes, err2 = s.Rows[1].Bool("active", true)
	if n != 7 || !yes || err1 != nil || err2 != nil {
		t.Error(n, yes, err1, err2)
	}
	var r sheet.Report
	_, err1 = s.Rows[2].Int("unit_cost", 7)
	_, err2 = s.Rows[2].Bool("active", true)
	r.Refuse(4, err1)
	r.Refuse(4, err2)
	want := []sheet.Problem{{4, "unit_cost", `"twelve" is not a whole number`}, {4, "active", `"perhaps" is neither yes nor no`}}
	if diff := cmp.Diff(want, r.Problems); diff != "" {
		t.Error(diff)
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "5": "5", "12.5": "12.5", "12,5": "12.5", "1,250.50": "1250.50", "1.250,50": "1250.50", "1 250,50": "1250.50", "1'250.50": "1250.50",
		"1,250,000": "1250000", "1.250.000": "1250000", "-3,5": "-3.5", ".5": "0.5", "0,125": "0.125", "1250": "1250", "12.3456": "12.3456",
		"1,250": "!", "1.250": "!", "12,34,56": "!", "1.2.3": "!", "abc": "!", "1e5": "!", "5.": "!", "1,25.000,5": "!", "-": "!", "--5": "!", "1,250,00.5": "!",
	} {
		s, err := sheet.Read(strings.NewReader("sku\tunit cost\nA\t"+text+"\n"), columns)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Rows[0].Decimal("unit_cost", 2)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q: want %q, got %q", text, want, got)
		}
	}
	s, err := sheet.Read(strings.NewReader("unit cost,sku\n1.250,A\n"), columns)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Rows[0].Decimal("unit_cost", 3); got != "1.250" || err != nil {
		t.Error("three digits are the fraction of a currency that has three:", got, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("sku,unit cost\nA,5\n")
	f.Add("\ufeffsku;active\n\"A\";x\n")
	f.Add("\xff\xfes\x00k\x00u\x00")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sheet.Read(strings.NewReader(text), columns)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		for _, r := range s.Rows {
			_, _ = r.Int("unit_cost", 0)
			if d, err := r.Decimal("unit_cost", 2); err == nil && strings.Trim(d, "-0123456789.") != "" {
				t.Errorf("%q", d)
			}
			_ = r.Get("sku")
		}
	})
}
