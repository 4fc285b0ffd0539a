"""What a study asks: its declaration, cells, costs, plan and ledger."""
