package money_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/money"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestFormat compares with testdata/format.golden, whose lines were compared with ICU (CLDR 48) when they were made. Direction marks
// and no-break spaces are written as escapes there.
func TestFormat(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, locale := range []string{
		"en", "en-US", "en-GB", "en-CA", "en-PK", "en-IN", "en-SG", "en-AE", "en-MY", "ur", "ur-PK", "ar", "ar-AE", "ar-OM", "ar-QA", "ar-SA",
		"de", "de-DE", "de-AT", "de-CH", "fr", "fr-CA", "ms", "ms-MY", "bn-BD", "si-LK", "ta-LK", "ne-NP",
	} {
		for _, a := range []money.Amount{
			money.Of(123456789, "PKR"), money.Of(-62, "PKR"), money.Of(409940, "OMR"), money.Of(-1234567, "OMR"), money.Of(100000, "AED"),
			money.Of(1250, "USD"), money.Of(-999999, "EUR"), money.Of(1234567, "JPY"), money.Of(5, "MYR"), money.Of(99900, "CAD"),
		} {
			fmt.Fprintf(&out, "%s\t%s\t%+q\n", locale, a, a.Format(locale))
		}
	}
	file := filepath.Join("testdata", "format.golden")
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestFormatExamples(t *testing.T) {
	t.Parallel()
	pkr, omr := money.Of(123456789, "PKR"), money.Of(409940, "OMR")
	for _, c := range []struct {
		amount         money.Amount
		locale, expect string
	}{
		{pkr, "en-PK", "Rs\u00a01,234,567.89"},
		{pkr, "ur-PK", "Rs\u00a01,234,567.89"},
		{pkr, "en", "PKR\u00a01,234,567.89"},
		{pkr, "de-DE", "1.234.567,89\u00a0PKR"},
		{pkr, "fr-CA", "1\u00a0234\u00a0567,89\u00a0PKR"},
		{money.Of(123456789, "INR"), "en-IN", "₹12,34,567.89"},
		{omr, "ar", "\u200f٤٠٩٫٩٤٠\u00a0ر.ع.\u200f"},
		{omr, "ar-OM", "\u200f٤٠٩٫٩٤٠\u00a0ر.ع.\u200f"},
		{omr, "ar-AE", "\u200f409.940\u00a0ر.ع.\u200f"},
		{omr.Neg(), "en-PK", "-OMR\u00a0409.940"},
		{money.Of(500, "MYR"), "ms-MY", "RM\u00a05.00"},
		{money.Of(500, "USD"), "en-CA", "US$5.00"},
		{money.Of(500, "CAD"), "en-CA", "$5.00"},
		// tags as they come, and locales nobody has heard of
		{pkr, "en_pk", "Rs\u00a01,234,567.89"},
		{pkr, "EN-pk-u-nu-latn", "Rs\u00a01,234,567.89"},
		{pkr, "de-Latn-XX", "1.234.567,89\u00a0PKR"},
		{pkr, "tlh", "PKR\u00a01,234,567.89"},
		{pkr, "", "PKR\u00a01,234,567.89"},
		{pkr, "-", "PKR\u00a01,234,567.89"},
		{pkr, strings.Repeat("en-", 1000), "PKR\u00a01,234,567.89"},
		{money.Of(500, "ZZZ"), "en", "ZZZ\u00a0500"},
		{none, "en", ""},
	} {
		if diff := cmp.Diff(c.expect, c.amount.Format(c.locale)); diff != "" {
			t.Errorf("%s in %q: %s", c.amount, c.locale, diff)
		}
	}
	if s := money.Symbol("PKR", "en-PK"); s != "Rs" {
		t.Error(s)
	}
}

// TestNoBinaryFractions holds the package to its promise: it never names a binary fraction type.
func TestNoBinaryFractions(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "gen"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"float" + "32", "float" + "64", "Float" + "64", "Parse" + "Float"} {
				if strings.Contains(string(source), word) {
					t.Errorf("%s mentions %s", file, word)
				}
			}
		}
	}
}
