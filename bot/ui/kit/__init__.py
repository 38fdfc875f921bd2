"""What every card and panel uses: language, texts, options, who may see what."""
