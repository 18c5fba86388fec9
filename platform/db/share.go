package db

// Share is " for share" where rows are locked one by one, and "" where the writer is alone: append it to a select of a row that many transactions read in order
// to decide by it, so that whoever changes it waits for them.
func (tx *Tx) Share() string {
	if tx.Lock() == "" {
		return ""
	}
	return " for share"
}
